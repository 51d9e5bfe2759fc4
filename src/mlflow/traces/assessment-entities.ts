// Assessments on the wire and back.
import type { Assessment, AssessmentError, AssessmentKind, NewAssessment } from '../../tracing/assessment.ts'
import { parsedOrText, parsePythonJson, pythonJson } from '../../tracing/python-json.ts'
import { invalidParameter } from '../wire/errors.ts'
import type {
  Assessment as WireAssessment,
  AssessmentError as WireError,
  AssessmentSourceSourceType,
  Expectation,
  Feedback,
} from '../generated/messages.ts'
import { msOfTimestamp, timestampOf } from './times.ts'

const serialized = 'JSON_FORMAT'

export function wireOfAssessment(said: Assessment): WireAssessment {
  return {
    assessment_id: said.id,
    assessment_name: said.name,
    trace_id: said.traceId,
    ...(said.spanId === null ? {} : { span_id: said.spanId }),
    source: {
      source_type: said.source.type as AssessmentSourceSourceType,
      ...(said.source.id === null ? {} : { source_id: said.source.id }),
    },
    create_time: timestampOf(said.createdAtMs),
    last_update_time: timestampOf(said.updatedAtMs),
    ...valueOf(said),
    ...(said.rationale === null ? {} : { rationale: said.rationale }),
    ...(said.metadata === null ? {} : { metadata: said.metadata }),
    ...(said.overrides === null ? {} : { overrides: said.overrides }),
    valid: said.isValid,
  }
}

function valueOf({ kind, value, error }: Assessment): Pick<WireAssessment, 'feedback' | 'expectation' | 'issue'> {
  const parsed = parsedOrText(value)
  switch (kind) {
    case 'feedback':
      return { feedback: { value: parsed as Feedback['value'], ...(error ? { error: wireOfError(error) } : {}) } }
    case 'expectation':
      return {
        expectation:
          typeof parsed === 'object'
            ? { serialized_value: { serialization_format: serialized, value } }
            : { value: parsed as Expectation['value'] },
      }
    case 'issue':
      return { issue: { issue_name: String((parsed as { issue_name?: string }).issue_name ?? '') } }
  }
}

const stackLengthMax = 10_000
const stackCut = '[Stack trace is truncated]\n...\n'

const wireOfError = ({ error_code, error_message, stack_trace }: AssessmentError): WireError => ({
  error_code,
  ...(error_message ? { error_message } : {}),
  ...(stack_trace ? { stack_trace: endOf(stack_trace) } : {}),
})

const endOf = (stack: string): string =>
  stack.length <= stackLengthMax ? stack : stackCut + stack.slice(stackCut.length - stackLengthMax)

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function saidOf(wire: WireAssessment): NewAssessment {
  const kind = kindOf(wire)
  return {
    id: wire.assessment_id || null,
    name: wire.assessment_name ?? '',
    kind,
    ...saidValue(wire, kind),
    source: {
      type: wire.source?.source_type ?? 'SOURCE_TYPE_UNSPECIFIED',
      id: wire.source?.source_id || null,
    },
    createdAtMs: wire.create_time ? msOfTimestamp(wire.create_time, 'assessment.create_time') : null,
    updatedAtMs: wire.last_update_time ? msOfTimestamp(wire.last_update_time, 'assessment.last_update_time') : null,
    spanId: wire.span_id || null,
    rationale: kind === 'expectation' ? null : wire.rationale || null,
    overrides: (kind === 'feedback' && wire.overrides) || null,
    metadata: wire.metadata && Object.keys(wire.metadata).length > 0 ? wire.metadata : null,
  }
}

function kindOf(wire: WireAssessment): AssessmentKind {
  // An empty message is one of its kind too.
  if (wire.expectation) return 'expectation'
  if (wire.feedback) return 'feedback'
  if (wire.issue) return 'issue'
  throw invalidParameter('Unknown assessment type: None')
}

function saidValue(wire: WireAssessment, kind: AssessmentKind): { value: string; error: AssessmentError | null } {
  if (kind === 'issue') return { value: pythonJson({ issue_name: wire.issue?.issue_name ?? '' }), error: null }
  if (kind === 'expectation') return { value: expectationValue(wire.expectation!), error: null }
  return feedbackValue(wire.feedback!)
}

export function feedbackValue({ value, error }: Feedback): { value: string; error: AssessmentError | null } {
  return {
    // Numbers of protobuf's values are floats.
    value: pythonJson(value ?? null, 'floats'),
    error: error
      ? {
          error_code: error.error_code ?? '',
          error_message: error.error_message || null,
          stack_trace: error.stack_trace || null,
        }
      : null,
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function expectationValue({ value, serialized_value: sent }: Expectation): string {
  if (!sent) {
    if (value === undefined || value === null) throw invalidParameter('The `value` field must be specified.')
    return pythonJson(value, 'floats')
  }
  if (sent.serialization_format !== serialized) {
    throw invalidParameter(
      `Unknown serialization format: ${sent.serialization_format ?? ''}. Only JSON_FORMAT is supported.`,
    )
  }
  try {
    const parsed = parsePythonJson(sent.value ?? '')
    if (parsed === null) throw invalidParameter('The `value` field must be specified.')
    return pythonJson(parsed)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw invalidParameter(`The serialized value of an expectation is not JSON: ${error.message}`)
  }
}
