"""Evidence that the derived programs are the derivatives of the definition, in exact arithmetic."""
