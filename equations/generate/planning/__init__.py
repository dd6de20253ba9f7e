"""What is computed: which equations, when, which of them as one statement, and where values lie."""
