-- One row a scheduled flight, with what is known at the hour of its scheduled departure.
-- Grain:   flight (flight_date, carrier, flight_number, origin)
-- Label:   is_late, the flight arrived 30 minutes late or more; NULL when it never arrived
-- Leakage: no column but the label is known after departure: no actual time, delay or air time is
--          here, and the weather is the observation of the scheduled hour at the origin
SELECT
  DATE(flights.year, flights.month, flights.day) AS flight_date,
  flights.carrier,
  flights.flight AS flight_number,
  flights.origin,
  flights.dest,
  flights.hour AS scheduled_hour,
  EXTRACT(DAYOFWEEK FROM DATE(flights.year, flights.month, flights.day)) AS day_of_week,
  flights.distance AS distance_miles,
  weather.temp AS temperature_f,
  weather.humid AS humidity_percent,
  weather.wind_speed AS wind_speed_mph,
  weather.precip AS precipitation_inches,
  weather.pressure AS pressure_millibars,
  weather.visib AS visibility_miles,
  planes.seats,
  flights.year - planes.year AS plane_age_years,
  flights.arr_delay >= 30 AS is_late
FROM flights
LEFT JOIN weather
  ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
LEFT JOIN planes
  ON planes.tailnum = flights.tailnum
