{{/* Labels of every object. */}}
{{- define "calve.labels" -}}
{{ include "calve.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Labels that never change. */}}
{{- define "calve.selectorLabels" -}}
app.kubernetes.io/name: calve
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Metadata of an object: a list of the root, its name and its component. */}}
{{- define "calve.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "calve.labels" $root | nindent 2 }}
  app.kubernetes.io/component: {{ index . 2 }}
{{- end }}

{{/* Image of a part: a list of the root and the part. */}}
{{- define "calve.image" -}}
{{- $image := index (index . 0).Values.images (index . 1) -}}
{{ printf "%s:%s" $image.repository $image.tag }}
{{- end }}

{{- define "calve.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What the Pod Security Standard `restricted` asks of a pod. A Service called calve-… must not become CALVE_… variables. */}}
{{- define "calve.podDefaults" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- include "calve.pullSecrets" . }}
{{- end }}

{{- define "calve.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Secret of Airflow's keys. */}}
{{- define "calve.keysSecretName" -}}
{{ .Values.airflow.keysSecretName | default "calve-airflow-keys" }}
{{- end }}

{{/* Claim of the event logs. */}}
{{- define "calve.historyClaim" -}}
{{ .Values.history.volume.existingClaim | default "calve-spark-history" }}
{{- end }}

{{/* Root of the lake. */}}
{{- define "calve.warehouse" -}}
{{ .Values.settings.warehouse | default (ternary "s3://calve-lake/lake" "" .Values.development.enabled) }}
{{- end }}

{{/* Whether a cluster answers: without one, as with `helm template`, nothing can be looked up. */}}
{{- define "calve.isConnected" -}}
{{- if lookup "v1" "Secret" .Release.Namespace "" }}yes{{ end }}
{{- end }}
