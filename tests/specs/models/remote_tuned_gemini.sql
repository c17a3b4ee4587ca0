-- Gemini that has read how notices to passengers are worded here.
-- Label:   label, the notice that was sent
-- Grain:   destination and part of the day, 2013
-- Leakage: none; the connection's account needs roles/aiplatform.serviceAgent
CREATE MODEL `my-project`.`flights`.`tuned_notice_writer`
REMOTE WITH CONNECTION DEFAULT
OPTIONS (
  endpoint = 'gemini-2.5-flash',
  prompt_col = 'prompt',
  input_label_cols = ['label'],
  max_iterations = 300,
  learning_rate_multiplier = 1.0,
  data_split_method = 'RANDOM',
  data_split_eval_fraction = 0.2,
  evaluation_task = 'TEXT_GENERATION'
)
AS
SELECT
  FORMAT('Flights to %s at %d hours are late by %d minutes.', dest, hour, CAST(AVG(arr_delay) AS INT64))
    AS prompt,
  FORMAT('Dear passenger, to %s allow for about %d minutes more.', dest, CAST(AVG(arr_delay) AS INT64))
    AS label
FROM `my-project`.`flights`.`flights`
WHERE arr_delay > 0
GROUP BY dest, hour
