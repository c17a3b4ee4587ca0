-- The target of the drift check: features of July to December 2013, the months it is used in.
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
WHERE flight_date BETWEEN DATE '2013-07-01' AND DATE '2013-12-31'
