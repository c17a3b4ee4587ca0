"""Control planes made from Google's Discovery documents."""
