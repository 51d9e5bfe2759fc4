// Every limit of the gateway by name: what a request may be, what may wait, how long anything may take.

/** Of a request body. */
export const bodyBytesMax = 8 * 1024 * 1024
/** Of all bodies that a worker has begun to read: callers who send slowly cannot fill its memory. */
export const bodiesBytesMax = 256 * 1024 * 1024
/** A request of more, its head with it, is read by Node's parser; so is one that finds no room in a worker for what has come of it. */
export const plainRequestBytesMax = 64 * 1024
export const plainHeadBytesMax = 8 * 1024
export const plainBytesHeldMax = 16 * 1024 * 1024
/** Brackets within brackets in a JSON body; checked before it is parsed. */
export const jsonDepthMax = 64
export const rowsPerRequestMax = 10_000
/** Rows of one run, however cheap the model says that they are. */
export const rowsPerRunMax = 4_096
/** A run is cut so that its predicted time stays below this, since nothing else happens in the worker meanwhile; or it is run elsewhere. */
export const runBudgetMs = 2
/** The same in the compute process, where only other versions that are slow themselves wait. */
export const computeRunBudgetMs = 20
/** Of one endpoint's cache in one worker. */
export const cacheBytesMax = 64 * 1024 * 1024
export const cachedAnswerBytesMax = 64 * 1024
/** Rows that may wait for a shadow version; more are not scored by it, and counted. */
export const shadowQueueRowsMax = 2_048
/** Header lines must have arrived after this time, the whole request after `requestTimeoutMs`. */
export const headersTimeoutMs = 15_000
export const requestTimeoutMs = 60_000
/** Longer than common client pools keep an idle connection, so that the client closes first and nothing is reset. */
export const keepAliveTimeoutMs = 75_000
/** Of one worker; the kernel's backlog holds what comes beyond it. */
export const connectionsMax = 10_000
/** Seconds that a 503 asks the caller to wait. */
export const retryAfterSeconds = 1
/** An event time may be ahead of the wall clock by this much: the callers' clocks are not ours. */
export const eventTimeAheadMaxMs = 24 * 3_600_000

/** Predictions that wait for the next report; the oldest are dropped, and counted. */
export const predictionsBufferedMax = 20_000
/** Predictions a second that one worker logs in the long run; those of further requests are counted as dropped. */
export const predictionsPerSecondMax = 5_000
/** And at once, after a time with fewer: no less than the rows of the largest request, so that it can be logged. */
export const predictionsAtOnceMax = 10_000
/** Counter rows of one report: endpoints x versions x days of event time. */
export const countersPerReportMax = 5_000
export const reportIntervalMs = 250
/** Reports that are not acknowledged yet: beyond `reportsPendingMax` of them a worker reports once a `reportSlowIntervalMs`. */
export const reportsPendingMax = 4
export const reportSlowIntervalMs = 1_000
/** Disk for reports that the control plane has not taken. */
export const reportSpoolBytesMax = 256 * 1024 * 1024

/** Raw rows a second that one worker writes down for looking closer; the rest is skipped, and counted. */
export const rawRowsPerSecondMax = 2_000
/** Raw rows that wait for the disk; more are skipped, and counted. */
export const rawRowsPendingMax = 8_000
/** Characters of a raw row as JSON; what reads it has a limit too. */
export const rawRowBytesMax = 1024 * 1024
export const rawSegmentBytesMax = 8 * 1024 * 1024
export const rawSegmentAgeMaxMs = 60_000
/** Disk for raw rows that nobody has made Parquet of yet. */
export const rawSpoolBytesMax = 512 * 1024 * 1024

/** A worker says that it lives this often. */
export const heartbeatIntervalMs = 250
/** A worker that has said nothing for so long hangs, and is killed. */
export const heartbeatLimitMs = 2_000
/** A version that was running when so many workers were killed (or died) is taken out. */
export const killsBeforeQuarantine = 2
/** The same for workers that somebody else killed with SIGKILL, which alone says little about the version. */
export const foreignKillsBeforeQuarantine = 6
/** A new worker has this long to load and warm its models. */
export const startLimitMs = 120_000
/** At a stop, answers in flight have this long. */
export const drainLimitMs = 30_000
/** Workers that a swap left behind and that still have open connections; a further swap waits. */
export const leavingWorkersMax = 4
/** A model that loads within this time is loaded between two ticks of a serving worker; any other in a replacement worker. */
export const inPlaceLoadMs = 10
/** A version is loaded and checked before workers meet it, within this time; else new workers load it. */
export const preparationLimitMs = 20_000
/** Before that, where a core has nothing else to do, within this time. */
export const idlePreparationLimitMs = 5_000

/** Spans that wait for the collector of traces; more are dropped, and counted. */
export const spansBufferedMax = 8_192
export const spansPerExportMax = 2_048
/** CloudEvents of one endpoint and worker that wait for its sinks; the oldest are dropped, and counted. */
export const eventsBufferedMax = 2_000
/** The same in rows, since what waits holds the rows of its request. */
export const eventRowsBufferedMax = 50_000
/** Events on their way to one sink. */
export const eventsInFlightMax = 4
export const eventTimeoutMs = 5_000
/** Tries of one event in all, when the sink is busy or away. */
export const eventTriesMax = 3
