"""Load a run and ask it something the command does not: which inputs converge slowest, and are trials Gaussian?

widthwise run examples/ntk_digits.toml
python examples/analyse_ntk.py ntk_digits.run
"""

import sys

import numpy as np
from scipy import stats

import widthwise

results = widthwise.open(sys.argv[1] if len(sys.argv) > 1 else "ntk_digits.run")
trials, limit = results["trials"]["ntk"], results["exact"]["ntk"]

# sqrt(n) (kernel - limit) has a limit law of its own: its standard deviation, entry by entry, at every width.
fluctuation = (np.sqrt(trials["width"]) * (trials - limit)).std("trial")
print("sqrt(n) times the standard deviation of the NTK, mean over entries:")
print(fluctuation.mean(("input", "input_")).to_series().round(2).to_string())

widest = fluctuation.isel(width=-1)
i, j = np.unravel_index(widest.values.argmax(), widest.shape)
print(f"slowest entry at width {int(widest['width']):,}: inputs {i} and {j}, {float(widest[i, j]):.2f}")

narrow = trials.isel(width=0, input=0, input_=1).dropna("trial")
print(f"skewness of entry (0, 1) at width {int(narrow['width'])}: {stats.skew(narrow):.2f}")
