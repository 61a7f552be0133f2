"""LearnerService, as a server takes it."""

from aloe.learner.rpc.gates import make_gates
from aloe.learner.rpc.servicers.clips import ClipRpcs
from aloe.learner.rpc.servicers.heads import HeadRpcs
from aloe.learner.rpc.servicers.labeling import LabelingRpcs
from aloe.learner.rpc.servicers.pools import PoolRpcs
from aloe.learner.rpc.servicers.recordings import RecordingRpcs
from aloe.learner.rpc.servicers.tasks import TaskRpcs
from aloe.learner.usecases.learner import Learner
from aloe.serving.server import Service
from aloe.v1 import learner_service_pb2
from aloe.v1 import learner_service_pb2_grpc as pb_grpc


class LearnerServicer(
    PoolRpcs,
    ClipRpcs,
    RecordingRpcs,
    TaskRpcs,
    LabelingRpcs,
    HeadRpcs,
    pb_grpc.LearnerServiceServicer,
):
    """LearnerService on a learner; an interceptor turns its exceptions into statuses."""


def rpc_service(learner: Learner, export_idle_s: float) -> Service:
    """Return LearnerService, as a server takes it."""
    return Service(
        learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"].full_name,
        LearnerServicer(learner, export_idle_s),
        pb_grpc.add_LearnerServiceServicer_to_server,
        make_gates(),
        remedy="more learners on the same Redis share the load",
    )
