"""The bill report: one self-contained HTML page, the customer's view beside the provider's."""

from wattseal_host.report.data import Charge, Check, Digest, ReportData, Slot, Verdict
from wattseal_host.report.page import render

__all__ = ["Charge", "Check", "Digest", "ReportData", "Slot", "Verdict", "render"]
