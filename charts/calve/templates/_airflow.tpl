{{/* Annotations that start pods anew when what they read at their start has changed. */}}
{{- define "calve.airflow.checksums" -}}
{{- $root := . -}}
{{- range list "airflow-configmap.yaml" "kubernetes-configmap.yaml" }}
checksum/{{ trimSuffix ".yaml" . }}: {{ include (printf "%s/%s" $root.Template.BasePath .) $root | sha256sum }}
{{- end }}
checksum/secrets: {{ include "calve.airflow.secretState" . | sha256sum }}
{{- end }}

{{/* Environment of everything that is Airflow's. */}}
{{- define "calve.airflow.environment" -}}
envFrom:
  - configMapRef: {name: calve-airflow}
  - configMapRef: {name: calve-kubernetes}
  - secretRef: {name: {{ .Values.airflow.secretName }}}
env:
  {{- range $variable, $key := dict "AIRFLOW__CORE__FERNET_KEY" "fernetKey" "AIRFLOW__API_AUTH__JWT_SECRET" "jwtSecret" "AIRFLOW__API__SECRET_KEY" "apiSecretKey" }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef: {name: {{ include "calve.keysSecretName" $ }}, key: {{ $key }}}
  {{- end }}
{{- end }}

{{/* A container of Airflow's image: a dict of root, name, words and resources. */}}
{{- define "calve.airflow.container" -}}
name: {{ .name }}
image: {{ include "calve.image" (list .root "airflow") | quote }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
args: {{ toJson .words }}
{{ include "calve.airflow.environment" .root }}
{{ include "calve.containerSecurity" .root }}
resources:
  {{- toYaml .resources | nindent 2 }}
volumeMounts:
  - {name: home, mountPath: /opt/airflow}
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{/* What each pod of Airflow has beside its containers: a dict of root and asksTheCluster. */}}
{{- define "calve.airflow.pod" -}}
serviceAccountName: {{ .root.Values.airflow.serviceAccount.name }}
automountServiceAccountToken: {{ .asksTheCluster }}
{{ include "calve.podDefaults" .root }}
{{- with .root.Values.airflow.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.airflow.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - {name: home, emptyDir: {sizeLimit: 5Gi}}
  - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- end }}

{{/* A component of Airflow: a dict of root, name, words, values, and where they differ asksTheCluster, ports, probes,
     strategy, prepared (more init containers) and volumes. */}}
{{- define "calve.airflow.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "calve.metadata" (list .root (printf "calve-%s" .name) .name) | nindent 2 }}
spec:
  replicas: {{ .values.replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "calve.selectorLabels" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .name }}
  strategy:
    rollingUpdate: {{ toJson .strategy }}
  template:
    metadata:
      labels:
        {{- include "calve.selectorLabels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .name }}
      annotations:
        {{- include "calve.airflow.checksums" .root | nindent 8 }}
    spec:
      {{- include "calve.airflow.pod" (dict "root" .root "asksTheCluster" (.asksTheCluster | default false)) | nindent 6 }}
        {{- with .volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      # Tasks submit and look, so that a minute is enough to end them well.
      terminationGracePeriodSeconds: 60
      initContainers:
        - {{- dict "root" .root "name" "wait-for-migration" "resources" .values.resources "words" (list "airflow" "db" "check-migrations" "--migration-wait-timeout" "600") | include "calve.airflow.container" | nindent 10 }}
        {{- with .prepared }}
        - {{- . | nindent 10 }}
        {{- end }}
      containers:
        - {{- dict "root" .root "name" .name "resources" .values.resources "words" (prepend .words "airflow") | include "calve.airflow.container" | nindent 10 }}
          {{- with .ports }}
          ports:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- toYaml .probes | nindent 10 }}
{{- end }}

{{/* Probes of a component that only its heartbeat in the database tells to be well: asking costs seconds of a core. */}}
{{- define "calve.airflow.heartbeat" -}}
startupProbe:
  exec: {command: [airflow, jobs, check, --local, --job-type, {{ . }}]}
  periodSeconds: 10
  timeoutSeconds: 60
  failureThreshold: 30
livenessProbe:
  exec: {command: [airflow, jobs, check, --local, --job-type, {{ . }}]}
  periodSeconds: 120
  timeoutSeconds: 60
  failureThreshold: 3
{{- end }}

{{/* The pod that brings both schemas up to date: each step may be repeated. */}}
{{- define "calve.migration" -}}
{{- $resources := .Values.airflow.migration.resources }}
{{- include "calve.airflow.pod" (dict "root" . "asksTheCluster" false) }}
restartPolicy: OnFailure
initContainers:
  - {{- dict "root" . "name" "database" "resources" $resources "words" (list "airflow" "db" "check" "--retry" "60" "--retry-delay" "5") | include "calve.airflow.container" | nindent 4 }}
  - {{- dict "root" . "name" "airflow" "resources" $resources "words" (list "airflow" "db" "migrate") | include "calve.airflow.container" | nindent 4 }}
  # Brings the records up to date before it looks at them.
  - {{- dict "root" . "name" "records" "resources" $resources "words" (list "calve" "alerts" "list") | include "calve.airflow.container" | nindent 4 }}
containers:
  - {{- dict "root" . "name" "pool" "resources" $resources "words" (list "airflow" "pools" "set" "--include-deferred" "calve_source" (toString .Values.airflow.sourceSlots) "Extractions from the source database; those that wait count.") | include "calve.airflow.container" | nindent 4 }}
{{- end }}
