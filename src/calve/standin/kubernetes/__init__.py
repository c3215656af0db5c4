"""A stand-in for the part of the Kubernetes API that calve's Airflow operator uses, over real HTTP.

```python
from calve.standin.kubernetes.server import Server

with Server(namespace="calve") as server:
    server.write_kubeconfig(path)          # the unmodified clients take it from here
    server.play.run("revenue-t1")          # play the operator: SUBMITTED, driver running, RUNNING
    server.play.end("revenue-t1", 65)      # FAILED, "driver container failed with ExitCode: 65, Reason: Error"
    server.fault(method="POST", path="/sparkapplications", status=503, applied=True)   # a lost reply
```

`play` plays operator, kubelet and scheduler in the shapes that the real ones write; `runner` really runs what is
created, as processes of this machine (`python -m calve.standin.kubernetes --run`, for `make airflow`). State lives in
memory and ends with the server; only log files stay. `gate` can stand before a real API server too: `make cluster-test`
asks it what is asked of the stand-in, and expects the same answers.

**What it does not prove.** It knows

- no authentication, no RBAC, no admission, and no schema: it checks names, labels, versions and preconditions. Any
  namespace exists, a misspelt field is kept, the spec of a pod can be changed;
- no quota but that of zero pods, no scheduler, no nodes, no preemption;
- no images, mounts, environments, resources or security contexts: the runner ignores them, and runs processes as the
  user who started it, with the settings of the profile `local`;
- no pages of lists (`limit` is ignored), no merging of lists in a strategic merge, no server-side apply, no
  `deletecollection`, exec or port-forward; history is kept by number (10,000 changes), not by time;
- no executors: Spark runs inside the driver. `spec.suspend`, `timeToLiveSeconds` and `restartPolicy` are not acted on.

What a real cluster's controllers do a moment later (collecting pods, counting quotas), it does at once. A forced
deletion (grace 0) still waits for the runner's process to be dead; the real one does not.
"""
