"""What an export is to be, once its request is judged: plain values, which load no module."""


class Plan:
    """name: the applet's digest; the rest as in its manifest and in the request.

    every_s: the least time between two. first, end: sequence numbers of the records that begin in
    the period. epoch: the customer's. bound: the export's binding.
    """

    def __init__(self, data):
        self.name = data[:32]
        self.session = data[32:48]
        self.start_s = int.from_bytes(data[48:52], "big")
        self.end_s = int.from_bytes(data[52:56], "big")
        self.granularity_s = int.from_bytes(data[56:60], "big")
        self.kind = self.reads = self.every_s = self.first = self.end = self.epoch = 0
        self.origin = self.recipient_key = self.bound = b""
