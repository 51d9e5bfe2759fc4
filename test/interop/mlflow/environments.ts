// The Python environments that stock MLflow runs in: the newest release, an older client, and the newest with uvloop beside it.
import { ensureVenv, type Venv } from '../venv.ts'

/** The release that Trueloop speaks the wire format of. */
export const stockVersion = '3.17.2'

const server = [`mlflow==${stockVersion}`, 'psycopg2-binary==2.9.13']
const modelling = ['scikit-learn==1.9.1', 'xgboost==3.2.0', 'lightgbm==4.7.0', 'skl2onnx==1.20.0', 'onnx==1.23.1']

/** Server and client. */
export const newestVenv = (): Promise<Venv> => ensureVenv([...server, ...modelling], 'mlflow')

/** Client only, with the newest libraries that it supports. Its tracing fails with newer releases of OpenTelemetry's SDK, which it does not exclude. */
export const olderVenv = (): Promise<Venv> =>
  ensureVenv(['mlflow==2.22.5', ...itsModelling, ...itsTelemetry], 'mlflow-2')
const itsModelling = ['scikit-learn==1.6.1', 'xgboost==3.0.0', 'lightgbm==4.6.0']
const itsTelemetry = ['opentelemetry-api==1.33.1', 'opentelemetry-sdk==1.33.1']

/** A stock server as fast as its users can make it: uvicorn takes uvloop where it is installed. */
export const uvloopVenv = (): Promise<Venv> => ensureVenv([...server, 'uvloop==0.23.0'], 'mlflow-uvloop')
