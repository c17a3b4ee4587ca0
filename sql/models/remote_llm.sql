-- Writes notices to passengers with Gemini, for AI.GENERATE_TEXT.
-- Label:   none
-- Grain:   none: the model reads no rows when it is created
-- Leakage: none; the connection's account needs roles/aiplatform.user
CREATE MODEL notice_writer
REMOTE WITH CONNECTION DEFAULT
OPTIONS (endpoint = 'gemini-2.5-flash')
