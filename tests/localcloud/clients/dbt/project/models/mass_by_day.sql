{{ config(
    materialized='incremental',
    unique_key='day',
    partition_by={'field': 'day', 'data_type': 'date'}
) }}

select
    date(measured_at) as day,
    count(*) as birds,
    avg(body_mass_g - predicted_body_mass_g) as mean_error
from {{ ref('expected_mass') }}
{% if is_incremental() %}
where date(measured_at) >= (select max(day) from {{ this }})
{% endif %}
group by day
