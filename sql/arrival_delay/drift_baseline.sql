-- The baseline of the drift check: features of January to June 2013, the months the model learnt from.
-- Grain: flight
SELECT
  carrier,
  origin,
  dest,
  scheduled_hour,
  distance_miles,
  temperature_f,
  humidity_percent,
  wind_speed_mph,
  precipitation_inches,
  pressure_millibars,
  visibility_miles
FROM departures
WHERE flight_date BETWEEN DATE '2013-01-01' AND DATE '2013-06-30'
