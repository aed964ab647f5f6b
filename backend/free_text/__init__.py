"""What a patient's own words may mean: suggested CTCAE terms, never codes. Pure, but for reading the stored lexicon."""
