"""The boundary statements of a cell, each established in up to three ways.

over the reals  proved for all of them, from the definition and from the derived equations;
hit exactly     in the generated code, with the gates at exactly 0 or 1;
approached      in the generated code, with the gates driven towards their ends step by step.

    from verify.boundaries.check import check_boundaries
"""
