{{ config(materialized='view') }}

select bird_id, species, bill_length_mm, flipper_length_mm, body_mass_g, measured_at
from {{ ref('penguins') }}
where body_mass_g >= 3000
