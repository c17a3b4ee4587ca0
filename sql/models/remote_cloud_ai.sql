-- Translates notices to passengers with the Cloud Translation API, for ML.TRANSLATE.
-- Label:   none
-- Grain:   none: the model reads no rows when it is created
-- Leakage: none; the connection's account needs roles/cloudtranslate.user
CREATE MODEL notice_translator
REMOTE WITH CONNECTION DEFAULT
OPTIONS (remote_service_type = 'CLOUD_AI_TRANSLATE_V3')
