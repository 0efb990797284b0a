"""Who says what: quotations found in prose, the people of the book, and each line's speaker with the rule that says so."""
