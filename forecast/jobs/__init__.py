"""What batch jobs need: output folders that are whole or absent, and forecasts on disk."""

from forecast.jobs.manifest import MANIFEST, check_files, record_file
from forecast.jobs.outputs import check_free, output_folder
from forecast.jobs.saved_forecast import SavedForecast, load_forecast, save_forecast
from forecast.jobs.spreadsheet import write_csv

__all__ = [
    "MANIFEST",
    "SavedForecast",
    "check_files",
    "check_free",
    "load_forecast",
    "output_folder",
    "record_file",
    "save_forecast",
    "write_csv",
]
