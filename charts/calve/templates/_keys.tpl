{{/* Airflow's keys, made once: what the namespace has of them, and the rest at random. They are kept beside the values, so
     that all templates of one rendering see the same. */}}
{{- define "calve.airflow.makeKeys" -}}
{{- if not (hasKey .Values.airflow "made") }}
{{- $known := (lookup "v1" "Secret" .Release.Namespace "calve-airflow-keys").data | default dict }}
{{- $passwords := get $known "passwords.json" | b64dec | default "{}" | fromJson }}
{{- range $user, $role := .Values.airflow.users }}
{{- if not (hasKey $passwords $user) }}{{ $_ := set $passwords $user (randAlphaNum 24) }}{{ end }}
{{- end }}
{{- $made := dict
  "fernetKey" (get $known "fernetKey" | default (randBytes 32 | replace "+" "-" | replace "/" "_" | b64enc))
  "jwtSecret" (get $known "jwtSecret" | default (randAlphaNum 64 | b64enc))
  "apiSecretKey" (get $known "apiSecretKey" | default (randAlphaNum 64 | b64enc))
  "passwords.json" (toJson $passwords | b64enc) }}
{{- $_ := set .Values.airflow "made" $made }}
{{- end }}
{{- end }}

{{/* Password and keys of the development parts, in the same way. */}}
{{- define "calve.development.makeKeys" -}}
{{- if not (hasKey .Values.development "made") }}
{{- $known := (lookup "v1" "Secret" .Release.Namespace "calve-dev").data | default dict }}
{{- $made := dict }}
{{- range list "CALVE_DEV_PASSWORD" "CALVE_HASH_KEY" }}
{{- $_ := set $made . (get $known . | b64dec | default (randAlphaNum 32)) }}
{{- end }}
{{- $_ := set .Values.development "made" $made }}
{{- end }}
{{- end }}

{{/* What tells one state of Airflow's Secrets from another: versions of those that others wrote, a digest of ours. */}}
{{- define "calve.airflow.secretState" -}}
{{- $names := list }}
{{- if .Values.airflow.keysSecretName }}
{{- $names = append $names .Values.airflow.keysSecretName }}
{{- else }}
{{- include "calve.airflow.makeKeys" . }}
{{- toJson .Values.airflow.made }}
{{- end }}
{{- if .Values.development.enabled }}
{{- include "calve.development.makeKeys" . }}
{{- toJson .Values.development.made }}
{{- else }}
{{- $names = append $names .Values.airflow.secretName }}
{{- end }}
{{- range $names }}
{{- with lookup "v1" "Secret" $.Release.Namespace . }}{{ .metadata.resourceVersion }},{{ end }}
{{- end }}
{{- end }}
