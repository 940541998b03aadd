"""The Kubernetes objects against the fields they may have, and the promises about ports and tokens."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from widthwise.documents import parse_toml
from widthwise.spec import load_spec

DIRECTORY = Path(__file__).parents[2] / "deploy" / "kuberay"
FILES = ("rayjob.yaml", "raycluster.yaml")
Schema = dict[str, Any]


def record(required: str = "", **fields: Schema) -> Schema:
    """A table with these fields and no others: a misspelt one would be ignored by the cluster, or refused late."""
    return {
        "type": "object",
        "properties": fields,
        "required": required.split(),
        "additionalProperties": False,
    }


def words(*allowed: str) -> Schema:
    return {"enum": list(allowed)} if allowed else {"type": "string"}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


TEXT, COUNT, FLAG = words(), {"type": "integer", "minimum": 0}, {"type": "boolean"}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
QUANTITY: Schema = {"type": "string", "pattern": r"^[0-9]+(m|Ki|Mi|Gi|Ti)?$"}
QUANTITIES: Schema = {
    "type": "object",
    "propertyNames": {"enum": ["cpu", "memory", "nvidia.com/gpu"]},
    "additionalProperties": QUANTITY,
    "required": ["cpu", "memory"],
}
METADATA = record("name", name={"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}, labels=TEXTS)

# Kubernetes core/v1, as far as it is used here.
CONTAINER = record(
    "name image resources securityContext",
    name=TEXT,
    image=TEXT,
    ports=many(record("containerPort", name={"type": "string", "maxLength": 15}, containerPort=COUNT)),
    resources=record("requests limits", requests=QUANTITIES, limits=QUANTITIES),
    securityContext=record(allowPrivilegeEscalation=FLAG, capabilities=record(drop=many(TEXT))),
    volumeMounts=many(record("name mountPath", name=TEXT, mountPath=TEXT, readOnly=FLAG)),
)
POD = record(
    "metadata spec",
    metadata=record(labels=TEXTS),
    spec=record(
        "containers",
        containers=many(CONTAINER),
        securityContext=record(runAsNonRoot=FLAG, runAsUser=COUNT, seccompProfile=record(type=words("RuntimeDefault"))),
        tolerations=many(record(key=TEXT, operator=words("Exists", "Equal"), effect=words("NoSchedule", "NoExecute"))),
        volumes=many(record("name", name=TEXT, configMap=record("name", name=TEXT))),
    ),
)

# ray.io/v1 of KubeRay 1.6: https://docs.ray.io/en/latest/cluster/kubernetes/references/api.html
CLUSTER_SPEC = record(
    "rayVersion authOptions headGroupSpec workerGroupSpecs",
    rayVersion=TEXT,
    authOptions=record("mode secretName", mode=words("token"), secretName=TEXT),
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions=record(
        version=words("v1", "v2"),
        idleTimeoutSeconds=COUNT,
        upscalingMode=words("Default", "Aggressive", "Conservative"),
    ),
    headGroupSpec=record("rayStartParams template", serviceType=words("ClusterIP"), rayStartParams=TEXTS, template=POD),
    workerGroupSpecs=many(
        record(
            "groupName replicas minReplicas maxReplicas rayStartParams template",
            groupName=TEXT,
            replicas=COUNT,
            minReplicas=COUNT,
            maxReplicas=COUNT,
            rayStartParams=TEXTS,
            template=POD,
        )
    ),
)
JOB_SPEC = record(
    "entrypoint rayClusterSpec",
    entrypoint=TEXT,
    backoffLimit=COUNT,
    activeDeadlineSeconds=COUNT,
    shutdownAfterJobFinishes=FLAG,
    ttlSecondsAfterFinished=COUNT,
    rayClusterSpec=CLUSTER_SPEC,
)
SELECTOR = record(matchLabels=TEXTS)
POLICY_SPEC = record(
    "podSelector policyTypes ingress",
    podSelector=SELECTOR,
    policyTypes=many(words("Ingress", "Egress")),
    ingress=many(
        record(
            "from",
            **{"from": many(record(podSelector=SELECTOR, namespaceSelector=SELECTOR))},
            ports=many(record("protocol port", protocol=words("TCP"), port=COUNT)),
        )
    ),
)
OBJECTS = {
    ("v1", "ConfigMap"): record("metadata data", metadata=METADATA, data=TEXTS),
    ("ray.io/v1", "RayJob"): record("metadata spec", metadata=METADATA, spec=JOB_SPEC),
    ("ray.io/v1", "RayCluster"): record("metadata spec", metadata=METADATA, spec=CLUSTER_SPEC),
    ("networking.k8s.io/v1", "NetworkPolicy"): record("metadata spec", metadata=METADATA, spec=POLICY_SPEC),
}


def objects(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DIRECTORY / file).read_text()))


def cluster(file: str) -> dict[str, Any]:
    """The Ray cluster of a file."""
    [spec] = [each["spec"] for each in objects(file) if each["kind"] in ("RayJob", "RayCluster")]
    return spec.get("rayClusterSpec", spec)


def templates(file: str) -> list[dict[str, Any]]:
    """Of the head and of every worker group."""
    found = cluster(file)
    return [found["headGroupSpec"]["template"], *(group["template"] for group in found["workerGroupSpecs"])]


@pytest.mark.parametrize("file", FILES)
def test_every_object_has_the_fields_of_its_kind_and_no_others(file: str) -> None:
    for each in objects(file):
        kind = each.pop("apiVersion"), each.pop("kind")
        jsonschema.validate(each, OBJECTS[kind])


def test_a_misspelt_field_is_noticed() -> None:
    [spec] = [each["spec"] for each in objects("rayjob.yaml") if each["kind"] == "RayJob"]
    spec["rayClusterSpec"]["workerGroupSpecs"][0]["minReplica"] = 1
    with pytest.raises(jsonschema.ValidationError, match="'minReplica' was unexpected"):
        jsonschema.validate(spec, JOB_SPEC)


@pytest.mark.parametrize("file", FILES)
def test_workers_are_bounded_and_one_group_has_gpus(file: str) -> None:
    groups = {group["groupName"]: group for group in cluster(file)["workerGroupSpecs"]}
    assert set(groups) == {"cpu", "gpu"}
    for name, group in groups.items():
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"] < 100
        [container] = group["template"]["spec"]["containers"]
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert ("nvidia.com/gpu" in container["resources"]["limits"]) == (name == "gpu")
    assert groups["cpu"]["minReplicas"] >= 1


@pytest.mark.parametrize("file", FILES)
def test_ports_are_closed_for_every_pod_and_opened_for_few(file: str) -> None:
    [policy] = [each["spec"] for each in objects(file) if each["kind"] == "NetworkPolicy"]
    own = policy["podSelector"]["matchLabels"]
    assert policy["policyTypes"] == ["Ingress"]
    for template in templates(file):
        assert own.items() <= template["metadata"]["labels"].items()
    inside, *others = policy["ingress"]
    assert inside == {"from": [{"podSelector": {"matchLabels": own}}]}
    for rule in others:
        assert [port["port"] for port in rule["ports"]] == [8265]
        assert all(each["podSelector"]["matchLabels"] for each in rule["from"])


@pytest.mark.parametrize("file", FILES)
def test_no_pod_is_root_and_no_token_is_written_down(file: str) -> None:
    for template in templates(file):
        assert template["spec"]["securityContext"]["runAsNonRoot"]
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert cluster(file)["authOptions"] == {"mode": "token", "secretName": "widthwise-ray-token"}
    assert "kind: Secret" not in (DIRECTORY / file).read_text()


def test_the_spec_of_the_job_is_one() -> None:
    [text] = [each["data"]["spec.toml"] for each in objects("rayjob.yaml") if each["kind"] == "ConfigMap"]
    assert load_spec(parse_toml(text, "spec.toml")).experiment == "ntk"
    [job] = [each["spec"] for each in objects("rayjob.yaml") if each["kind"] == "RayJob"]
    assert job["entrypoint"].startswith("widthwise run /spec/spec.toml --address auto --out s3://")
