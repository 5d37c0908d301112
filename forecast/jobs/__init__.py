"""What batch jobs need: output folders that are whole or absent, and forecasts on disk."""

from forecast.jobs.outputs import check_free, output_folder
from forecast.jobs.saved_forecast import load_forecast, save_forecast

__all__ = ["check_free", "load_forecast", "output_folder", "save_forecast"]
