"""What clients are shown of stored documents, by the HTTP API and on `gs.rpc.>`.

Each model has only what a client needs, in a shape of its own; a module by aggregate.
"""

from shared.contracts.views.agents import AgentView
from shared.contracts.views.backtests import BacktestDetails, BacktestView
from shared.contracts.views.base import Page, V
from shared.contracts.views.choices import TaskReason, task_reason
from shared.contracts.views.conflicts import Conflicts, ConflictView, conflict_view
from shared.contracts.views.enhancements import (
    ApprovalGroup,
    ApprovalGroups,
    EnhancementDetails,
    EnhancementView,
)
from shared.contracts.views.infinite import InfiniteView, infinite_view
from shared.contracts.views.keys import KeyView, key_view
from shared.contracts.views.targets import (
    LeaseClaimView,
    Leases,
    LeaseView,
    TargetView,
    leases_in,
    target_view,
)
from shared.contracts.views.waves import TaskView, WaveDetails, WaveView, task_view, wave_view
from shared.contracts.views.webhooks import (
    DeliveryView,
    WebhookSecret,
    WebhookView,
    delivery_view,
    webhook_view,
)

__all__ = [
    "AgentView",
    "ApprovalGroup",
    "ApprovalGroups",
    "BacktestDetails",
    "BacktestView",
    "ConflictView",
    "Conflicts",
    "DeliveryView",
    "EnhancementDetails",
    "EnhancementView",
    "InfiniteView",
    "KeyView",
    "LeaseClaimView",
    "LeaseView",
    "Leases",
    "Page",
    "TargetView",
    "TaskReason",
    "TaskView",
    "V",
    "WaveDetails",
    "WaveView",
    "WebhookSecret",
    "WebhookView",
    "conflict_view",
    "delivery_view",
    "infinite_view",
    "key_view",
    "leases_in",
    "target_view",
    "task_reason",
    "task_view",
    "wave_view",
    "webhook_view",
]
