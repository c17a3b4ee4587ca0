{{ config(
    materialized='table',
    pre_hook="
      create or replace model {{ this.schema }}.mass
      options (model_type = 'linear_reg', input_label_cols = ['body_mass_g'])
      as select species, bill_length_mm, flipper_length_mm, body_mass_g from {{ ref('adults') }}
    "
) }}

select bird_id, species, measured_at, body_mass_g, predicted_body_mass_g
from ml.predict(model {{ this.schema }}.mass, (select * from {{ ref('adults') }}))
