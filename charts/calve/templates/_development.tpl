{{/* Development parts, and the port of each. */}}
{{- define "calve.development.parts" -}}
postgres: 5432
s3: 7070
snowflake: 8084
{{- end }}

{{/* The pod that prepares the account of the stand-in. */}}
{{- define "calve.development.account" -}}
restartPolicy: OnFailure
serviceAccountName: {{ .Values.spark.serviceAccount.name }}
automountServiceAccountToken: false
{{ include "calve.podDefaults" . }}
containers:
  - name: account
    image: {{ include "calve.image" (list . "spark") | quote }}
    imagePullPolicy: {{ .Values.images.pullPolicy }}
    args:
      - python
      - -c
      - |
        from calve.contract.loader import load_project
        from calve.settings import load_settings
        from calve.warehouse.account import prepare_account
        from calve.warehouse.grants import all_readers
        from calve.warehouse.names import Names
        settings = load_settings()
        prepare_account(settings, Names.of(settings), all_readers(load_project(settings.project)))
    env:
      - {name: CALVE_PROFILE, value: cluster}
    envFrom:
      - configMapRef: {name: calve-settings}
      - secretRef: {name: {{ .Values.settings.secretName }}}
    {{- include "calve.containerSecurity" . | nindent 4 }}
    resources:
      {{- toYaml .Values.development.resources | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
volumes:
  - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- end }}
