-- Makes vectors of texts, for AI.GENERATE_EMBEDDING and VECTOR_SEARCH.
-- Label:   none
-- Grain:   none: the model reads no rows when it is created
-- Leakage: none; the connection's account needs roles/aiplatform.user
CREATE MODEL notice_embedding
REMOTE WITH CONNECTION DEFAULT
OPTIONS (endpoint = 'text-embedding-005')
