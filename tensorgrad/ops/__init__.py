"""The op table: one definition per operation, from which everything else about it follows."""
