"""Predict rows with an exported model: python main.py '[{"column": 1.5, "other": "a"}]'.

Needs numpy and xgboost.
"""

import importlib.util
import json
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = "xgboost_predictor-0.1"


def main(instances: str) -> None:
    """Print the predictions of rows.

    Args:
        instances: A JSON array of objects.
    """
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(HERE / f"{PACKAGE}.tar.gz") as package:
            package.extractall(directory, filter="data")
        file = Path(directory, PACKAGE, "predictor.py")
        spec = importlib.util.spec_from_file_location("predictor", file)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot read {file}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        predictor = module.Predictor.from_path(str(HERE))
    json.dump(predictor.predict(json.loads(instances)), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
