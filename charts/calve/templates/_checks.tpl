{{/* What is wrong with the values and what is missing in the namespace, one line each. */}}
{{- define "calve.mistakes" -}}
{{- include "calve.mistakesOfNamespace" . }}
{{- include "calve.mistakesOfValues" . }}
{{- if include "calve.isConnected" . }}
{{- include "calve.mistakesOfSecrets" . }}
{{- include "calve.mistakesOfCluster" . }}
{{- end }}
{{- end }}

{{- define "calve.mistakesOfNamespace" -}}
{{- $wanted := .Values.namespace }}
{{- if and $wanted (ne $wanted .Release.Namespace) }}
namespace: found {{ .Release.Namespace }}, expected {{ $wanted }}, which these values are for; pass --namespace {{ $wanted }}
{{- else if has .Release.Namespace (list "default" "kube-system" "kube-public" "kube-node-lease") }}
namespace: found {{ .Release.Namespace }}, expected one of calve's own, with a default deny in it; pass --namespace
{{- end }}
{{- end }}

{{- define "calve.mistakesOfValues" -}}
{{- $needed := list "spark" }}
{{- if .Values.airflow.enabled }}{{ $needed = append $needed "airflow" }}{{ end }}
{{- if .Values.development.enabled }}{{ $needed = append $needed "dev" }}{{ end }}
{{- range $needed }}
{{- if not (index $.Values.images .).tag }}
images.{{ . }}.tag: not set, expected the tag that `make images` prints; pass --set images.{{ . }}.tag=…
{{- end }}
{{- end }}
{{- if not .Values.development.enabled }}
{{- if not .Values.settings.warehouse }}
settings.warehouse: not set, expected s3://bucket/prefix; name the bucket of this environment
{{- end }}
{{- if not .Values.settings.snowflake.account }}
settings.snowflake.account: not set, expected the identifier of an account; name that of this environment
{{- end }}
{{- end }}
{{- with .Values.settings.snowflake }}
{{- if ne (eq .workloadIdentity "OIDC") (not (empty .tokenFile)) }}
settings.snowflake.tokenFile: found {{ .tokenFile | default "none" }}, expected one with workloadIdentity OIDC and only with it; set both or none
{{- end }}
{{- end }}
{{- if and .Values.airflow.ingress.enabled (not .Values.airflow.ingress.host) }}
airflow.ingress.host: not set, expected a name while airflow.ingress.enabled; name the host
{{- end }}
{{- end }}

{{- define "calve.mistakesOfSecrets" -}}
{{- $wanted := dict }}
{{- if not .Values.development.enabled }}
{{- $_ := set $wanted .Values.settings.secretName (list "CALVE_CATALOG_URL" "CALVE_SOURCE_URL" "CALVE_HASH_KEY") }}
{{- if .Values.airflow.enabled }}
{{- $_ := set $wanted .Values.airflow.secretName (list "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "CALVE_CATALOG_URL") }}
{{- end }}
{{- end }}
{{- if and .Values.airflow.enabled .Values.airflow.keysSecretName }}
{{- $_ := set $wanted .Values.airflow.keysSecretName (list "fernetKey" "jwtSecret" "apiSecretKey" "passwords.json") }}
{{- end }}
{{- range $name, $keys := $wanted }}
{{- $found := lookup "v1" "Secret" $.Release.Namespace $name }}
{{- if not $found }}
secret {{ $name }}: there is none in namespace {{ $.Release.Namespace }}, expected one with {{ join ", " $keys }}; create it first
{{- else }}
{{- range $keys }}
{{- if not (hasKey ($found.data | default dict) .) }}
secret {{ $name }}: has no key {{ . }}, expected {{ join ", " $keys }}; add it
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if not .Values.development.enabled }}
{{- with lookup "v1" "Secret" .Release.Namespace .Values.settings.secretName }}
{{- $data := .data }}
{{- $ways := ternary (list "settings.snowflake.workloadIdentity") list (not (empty $.Values.settings.snowflake.workloadIdentity)) }}
{{- range $key := list "CALVE_SNOWFLAKE_PASSWORD" "CALVE_SNOWFLAKE_PRIVATE_KEY" }}
{{- if hasKey ($data | default dict) $key }}{{ $ways = append $ways $key }}{{ end }}
{{- end }}
{{- if ne (len $ways) 1 }}
secret {{ $.Values.settings.secretName }}: found {{ join " and " $ways | default "no way" }} to log in to Snowflake, expected one: CALVE_SNOWFLAKE_PASSWORD, CALVE_SNOWFLAKE_PRIVATE_KEY or settings.snowflake.workloadIdentity; keep one
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "calve.mistakesOfCluster" -}}
{{- if not (.Capabilities.APIVersions.Has "sparkoperator.k8s.io/v1beta2") }}
cluster: it has no SparkApplication, expected the Spark operator; install its chart first, with charts/spark-operator/values.yaml
{{- end }}
{{- if and .Values.metrics.podMonitor.enabled (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}
metrics.podMonitor.enabled: the cluster has no PodMonitor, expected the Prometheus operator; install it, or turn this off
{{- end }}
{{- end }}
