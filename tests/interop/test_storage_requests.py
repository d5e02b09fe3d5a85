"""What the sink `bigquery` sends by the Storage Write API is what Google's own writer sends: headers, and all of each request.

A server that records stands in for BigQuery. The rows are of a message that protoc has made, and know nothing of ours.
"""

import types
from concurrent import futures

import grpc
import pytest
from conftest import cart
from google.cloud.bigquery_storage_v1 import types as storage
from google.cloud.bigquery_storage_v1.services.big_query_write import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from google.cloud.bigquery_storage_v1.writer import AppendRowsStream
from google.protobuf.descriptor_pb2 import DescriptorProto
from test_bigquery_sink import collector, entry, push, until_delivered

TABLE = "projects/local/datasets/logeater/tables/cart"
EVENTS = "projects/local/datasets/logeater/tables/events"
SKUS = ["A-1", "B-2"]

ROW = """
syntax = "proto2";
message Row {
    required string event_id = 1;
    required int32 cluster_key = 2;
    optional string sku = 3;
}
"""


class Recorder:
    """Answers that all is well, and keeps what it was sent, by table."""

    def __init__(self):
        self.created = {}
        self.appended = {}
        methods = {
            "CreateWriteStream": grpc.unary_unary_rpc_method_handler(
                self.create, storage.CreateWriteStreamRequest.deserialize, storage.WriteStream.serialize
            ),
            "AppendRows": grpc.stream_stream_rpc_method_handler(
                self.append, storage.AppendRowsRequest.deserialize, storage.AppendRowsResponse.serialize
            ),
        }
        service = grpc.method_handlers_generic_handler("google.cloud.bigquery.storage.v1.BigQueryWrite", methods)
        self.server = grpc.server(futures.ThreadPoolExecutor())
        self.server.add_generic_rpc_handlers([service])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def create(self, request, context):
        self.created.setdefault(request.parent, []).append((routing(context), request))
        return storage.WriteStream(name=f"{request.parent}/streams/own", type_=request.write_stream.type_)

    def append(self, requests, context):
        for request in requests:
            if request.write_stream:
                table = request.write_stream.rpartition("/streams/")[0]
                call = (routing(context), [])
                self.appended.setdefault(table, []).append(call)
            call[1].append(request)
            yield storage.AppendRowsResponse(append_result=storage.AppendRowsResponse.AppendResult())


def routing(context):
    """The headers by which Google finds the region of a table."""
    return [value for key, value in context.invocation_metadata() if key == "x-goog-request-params" and value]


@pytest.fixture
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.server.stop(None)


@pytest.fixture
def row(tmp_path):
    """The message of a row of the table."""
    (tmp_path / "logeater_row.proto").write_text(ROW)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        return grpc.protos("logeater_row.proto").Row


@pytest.fixture
def googles(recorder):
    """Google's client."""
    return BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=grpc.insecure_channel(recorder.address)))


def deliver(recorder, write, folder):
    """An event for each request."""
    warehouse = types.SimpleNamespace(url="http://127.0.0.1:1", storage_url=f"http://{recorder.address}")
    schemas = cart(folder / "schemas", {"name": "sku", "type": "STRING"})
    with collector(warehouse, write, folder, schemas) as running:
        for sku in SKUS:
            push(running, [entry("cart.add", {"sku": sku}, "u")], folder)
            until_delivered(running)
        running.stop()
    assert recorder.appended.keys() == {TABLE, EVENTS}


def write_likewise(googles, stream, row, rows, offsets):
    """Google's writer sends these rows, each in a request."""
    template = storage.AppendRowsRequest(write_stream=stream)
    descriptor = DescriptorProto()
    row.DESCRIPTOR.CopyToProto(descriptor)
    template.proto_rows.writer_schema = storage.ProtoSchema(proto_descriptor=descriptor)
    writer = AppendRowsStream(googles, template)
    for message, offset in zip(rows, offsets, strict=True):
        request = storage.AppendRowsRequest(offset=offset)
        request.proto_rows.rows = storage.ProtoRows(serialized_rows=[message.SerializeToString()])
        writer.send(request).result()
    writer.close()


def without_what_is_ours(requests):
    """The requests, but for who sends them and what a missing value is, which is everyone's own."""
    left = []
    for request in requests:
        request = storage.AppendRowsRequest(request)
        request.trace_id = ""
        request.default_missing_value_interpretation = 0
        left.append(request)
    return left


@pytest.mark.parametrize("write, offsets", [("storage_write", [None, None]), ("exactly_once", [0, 1])])
def test_appends_are_those_of_googles_writer(recorder, googles, row, write, offsets, tmp_path):
    deliver(recorder, write, tmp_path)
    [(routed, requests)] = recorder.appended.pop(TABLE)
    sent = [[row.FromString(one) for one in request.proto_rows.rows.serialized_rows] for request in requests]
    assert [[one.sku for one in rows] for rows in sent] == [[sku] for sku in SKUS]

    write_likewise(googles, requests[0].write_stream, row, [one for [one] in sent], offsets)
    [(googles_routed, googles_requests)] = recorder.appended.pop(TABLE)
    assert routed == googles_routed
    assert without_what_is_ours(requests) == without_what_is_ours(googles_requests)
    # Of what is the sink's own, the first request has all.
    assert [bool(request.trace_id) for request in requests] == [True, False]
    interpretation = storage.AppendRowsRequest.MissingValueInterpretation
    asked = [request.default_missing_value_interpretation for request in requests]
    assert asked == [interpretation.DEFAULT_VALUE, interpretation.MISSING_VALUE_INTERPRETATION_UNSPECIFIED]


def test_a_stream_is_asked_for_as_googles_client_does(recorder, googles, tmp_path):
    deliver(recorder, "exactly_once", tmp_path)
    [ours] = recorder.created.pop(TABLE)
    googles.create_write_stream(parent=TABLE, write_stream=storage.WriteStream(type_=storage.WriteStream.Type.COMMITTED))
    assert [ours] == recorder.created.pop(TABLE)
