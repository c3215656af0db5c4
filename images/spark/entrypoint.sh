#!/bin/bash
# What Spark on Kubernetes asks of an image: its client starts the driver with `driver …`, the driver its executors with
# `executor`; both get their settings as environment variables. Any other words are a command, such as `calve expose`.
set -eu

case "${1:-}" in
    driver)
        shift
        exec tini -s -- "$SPARK_HOME/bin/spark-submit" \
            --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" --deploy-mode client "$@"
        ;;
    executor)
        options=()
        # SPARK_JAVA_OPT_0, _1, … in the order of their numbers.
        while IFS= read -r name; do
            options+=("${!name}")
        done < <(compgen -e SPARK_JAVA_OPT_ | sort -t_ -k4 -n || true)
        class_path="${SPARK_CONF_DIR:-$SPARK_HOME/conf}:${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*:${SPARK_EXTRA_CLASSPATH:-}"
        exec tini -s -- "$JAVA_HOME/bin/java" "${options[@]}" \
            "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$class_path" \
            org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
            --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
            --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
            --resourceProfileId "${SPARK_RESOURCE_PROFILE_ID:-0}" --podName "${SPARK_EXECUTOR_POD_NAME:-unknown}"
        ;;
    *)
        exec tini -s -- "$@"
        ;;
esac
