"""A Report dressed for people and programs: JSON, markdown, a web page, a terminal."""
