WITH chosen AS (SELECT * FROM departures WHERE origin = 'JFK')
SELECT predicted.*, model, `é`.x
FROM ML.PREDICT(MODEL arrival_delay, TABLE chosen, STRUCT(0.3 AS threshold)) AS predicted
CROSS JOIN ML.PREDICT(MODEL `scores`.arrival_delay, (SELECT * FROM departures d, d.legs)) AS `é`
CROSS JOIN predicted.probabilities
JOIN INFORMATION_SCHEMA.TABLES ON TRUE
JOIN seeds.INFORMATION_SCHEMA.COLUMNS ON TRUE
JOIN other.seeds.INFORMATION_SCHEMA.VIEWS ON TRUE
