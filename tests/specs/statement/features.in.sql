-- Comments stay: FROM departures
WITH
  recent AS (
    SELECT * FROM departures WHERE flight_date > DATE '2013-06-01' -- departures
  ),
  departures AS (SELECT * FROM recent)
SELECT
  departures.carrier,
  `recent`.dest,
  stops.airport,
  (SELECT COUNT(*) FROM departures.legs) AS legs,
  (SELECT MAX(name) FROM airports WHERE airports.faa = departures.dest) AS airport_name,
  'FROM weather' AS text
FROM departures
JOIN recent USING (carrier), UNNEST(departures.stops) AS stops, departures.legs AS leg
LEFT JOIN seeds.planes AS planes
  ON planes.tailnum = departures.tailnum
LEFT JOIN `other-project.seeds.weather` ON weather.origin = departures.origin
LEFT JOIN `other-project`.seeds.`weather` AS w2 ON TRUE
WHERE EXISTS (SELECT 1 FROM airlines, airlines.codes AS weather, weather.parts)
ORDER BY (SELECT MIN(x) FROM leg.parts)
