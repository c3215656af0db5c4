"""What the parts of a node are told: containerd, its network, kubelet and kube-proxy. Writes nothing itself."""

from pathlib import Path
from typing import Any

# Short, because sockets are in it; what is here is a running node's and nobody else's.
RUN = Path("/run/calve-node")
SOCKET = RUN / "containerd.sock"
NODE, DOMAIN = "node-1", "cluster.local"
NODE_LINK, POD_LINK = "calve-node0", "calve-pods0"
NODE_ADDRESS = "10.255.0.1"
SERVICES, API_SERVICE, DNS_SERVICE = "10.96.0.0/16", "10.96.0.1", "10.96.0.10"
ALL_PODS, PODS = "10.244.0.0/16", "10.244.0.0/24"
NETWORK = "calve-node"
CGROUP = "calve-node"
KUBELET_PORT = 10250

CONTAINERD = """version = 2
root = "{root}"
state = "{run}/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # runc may lower no score without CAP_SYS_RESOURCE, and then dies.
  restrict_oom_score_adj = true
  # So that they go with the rest of the folder.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{run}/cni"
"""


def containerd(root: Path, pause: str) -> str:
    """Return containerd's settings; images are kept in its root."""
    return CONTAINERD.format(root=root, run=RUN, socket=SOCKET, pause=pause)


def network() -> dict[str, Any]:
    """Return the pods' network: a bridge on this machine."""
    bridge = {
        "type": "bridge",
        "bridge": POD_LINK,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(RUN / "addresses"),
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return {"cniVersion": "1.0.0", "name": NETWORK, "plugins": [bridge]}


def kubelet(folder: Path, authority: Path, key: Path, certificate: Path) -> dict[str, Any]:
    """Return the kubelet's settings."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": KUBELET_PORT,
        "readOnlyPort": 0,
        # Only the API server has a certificate that this one lets in, and it asked who they are.
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "enforceNodeAllocatable": ["pods"],
        "failSwapOn": False,
        "failCgroupV1": False,
        "oomScoreAdj": 0,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": DOMAIN,
        "resolvConf": str(RUN / "resolv.conf"),
        "podLogsDir": str(folder / "pods"),
        # It would leave them.
        "makeIPTablesUtilChains": False,
        # Images are this harness's to remove.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "serializeImagePulls": False,
        "syncFrequency": "10s",
    }


def proxy(kubeconfig: Path) -> dict[str, Any]:
    """Return kube-proxy's settings."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "0.0.0.0",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": ALL_PODS,
        "hostnameOverride": NODE,
        "mode": "iptables",
        "conntrack": {"maxPerCore": 0},
        "oomScoreAdj": 0,
    }
