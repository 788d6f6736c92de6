"""Read runs with the original: the functions that l2metrics calls. Prints the number of rows and regimes as JSON."""

import json
import sys
from pathlib import Path

from l2logger import util

results = []
for directory in map(Path, sys.argv[1:]):
    data = util.read_log_data(directory)
    info = util.read_logger_info(directory)
    util.read_scenario_info(directory)
    util.validate_log(data, info["metrics_columns"])
    data = data[data["exp_status"] == "complete"]
    data = (
        util.fill_regime_num(data.copy()).sort_values(by=["regime_num", "exp_num"]).set_index("regime_num", drop=False)
    )
    blocks = util.parse_blocks(data.reset_index(drop=True))
    results.append([len(data), len(blocks), int(blocks["length"].sum())])
json.dump(results, sys.stdout)
