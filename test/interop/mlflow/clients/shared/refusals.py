"""What a server, or the client for it, refuses, by its error code."""

from mlflow.exceptions import MlflowException, RestException


def refused(code, call):
    try:
        call()
    except (RestException, MlflowException) as error:
        assert error.error_code == code, (error.error_code, str(error))
        return
    raise AssertionError(f"not refused as {code}")
