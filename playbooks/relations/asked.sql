-- What was asked: one row, the words of the question (`text`), '' where there was none.
SELECT $question::VARCHAR AS text
