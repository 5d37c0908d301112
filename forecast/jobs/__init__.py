"""What batch jobs need: output folders that are whole or absent, and forecasts on disk."""

from forecast.jobs.folders.manifest import MANIFEST, check_files, record_file
from forecast.jobs.folders.outputs import check_free, output_folder
from forecast.jobs.folders.saved_forecast import SavedForecast, load_forecast, save_forecast
from forecast.jobs.folders.spreadsheet import write_csv

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
