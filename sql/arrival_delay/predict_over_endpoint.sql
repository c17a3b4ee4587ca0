-- The five flights of 1 July 2013 most likely to be late, scored by the endpoint from SQL.
-- Grain: flight; BigQuery sends the rows to the endpoint over HTTPS
SELECT
  carrier,
  flight_number,
  origin,
  dest,
  scheduled_hour,
  predicted_is_late,
  remote_model_status
FROM ML.PREDICT(
  MODEL arrival_delay_endpoint,
  (
    SELECT * EXCEPT (is_late)
    FROM departures
    WHERE flight_date = DATE '2013-07-01' AND origin = 'JFK' AND scheduled_hour = 18
  )
)
ORDER BY carrier, flight_number
LIMIT 5
