-- A sentence to passengers of the most delayed route, written by Gemini.
-- Grain: one row
SELECT
  prompt,
  result,
  status
FROM AI.GENERATE_TEXT(
  MODEL assistant,
  (
    SELECT CONCAT('Tell passengers to ', dest, ' in one sentence that their flight may be late.') AS prompt
    FROM departures
    WHERE is_late IS NOT NULL
    GROUP BY dest
    HAVING COUNT(*) > 1000
    ORDER BY AVG(IF(is_late, 1, 0)) DESC
    LIMIT 1
  )
)
