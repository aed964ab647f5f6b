"""What a text is read as: thousands of made-up texts, each with what it must come to."""
