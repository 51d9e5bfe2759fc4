// The tables of artifacts: the tree of files, and uploads in parts that are under way.
/** Files by their path below the root of all artifacts. */
export interface ArtifactTables {
  artifact: { path: string; digest: string; bytes: number; media_type: string; at_ms: number }
  /** An upload in parts; the parts are files of the home. */
  artifact_upload: { id: string; path: string; created_at_ms: number; completed_at_ms: number | null }
}
