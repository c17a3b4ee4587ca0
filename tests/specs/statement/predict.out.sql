WITH chosen AS (SELECT * FROM `my-project`.`flights`.`departures` WHERE origin = 'JFK')
SELECT predicted.*, model, `é`.x
FROM ML.PREDICT(MODEL `my-project`.`flights`.`arrival_delay`, TABLE chosen, STRUCT(0.3 AS threshold)) AS predicted
CROSS JOIN ML.PREDICT(MODEL `my-project`.`scores`.`arrival_delay`, (SELECT * FROM `my-project`.`flights`.`departures` d, d.legs)) AS `é`
CROSS JOIN predicted.probabilities
JOIN `my-project`.`flights`.`INFORMATION_SCHEMA`.`TABLES` ON TRUE
JOIN `my-project`.`seeds`.`INFORMATION_SCHEMA`.`COLUMNS` ON TRUE
JOIN other.seeds.INFORMATION_SCHEMA.VIEWS ON TRUE
