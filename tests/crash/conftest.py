"""The client and the server of the API suite serve here as well."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'api'))
