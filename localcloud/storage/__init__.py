"""Cloud Storage's JSON API as far as uploads need it: https://cloud.google.com/storage/docs/json_api."""
