"""The HTTP surface of batches of scores."""

from functools import reduce
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from command_api.batch import outcomes_of, read_items
from command_api.batching import submit_all
from command_api.domain import SubmitScore
from command_api.http import PROBLEMS, described, json_answer, key_of, traceparent, waits
from command_api.schemas import LARGEST_BATCH, BatchAnswer, BatchItem, BatchRequest
from command_api.state import Commands
from command_api.submitting import Accepted
from shared.bodies import read_model
from shared.positions import Position

LARGEST_BODY = 1024 * 1024
"""Bytes of a batch."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scores"],
    "properties": {
        "scores": {
            "type": "array",
            "minItems": 1,
            "maxItems": LARGEST_BATCH,
            "items": {
                "anyOf": [BatchItem.model_json_schema(), {"description": "anything else: its outcome is `invalid`"}]
            },
        }
    },
}
router = APIRouter(tags=["commands"])


@router.post(
    "/api/v1/scores",
    response_model=BatchAnswer,
    responses={status: PROBLEMS[status] for status in (400, 413, 415, 422)},
    openapi_extra=described(SCHEMA),
    summary="Submit many scores",
    operation_id="submitScores",
)
async def submit_batch(request: Request) -> Response:
    """Each score counts by itself: look at the status of each. A body has at most 1 MiB and 1,000 scores."""
    commands: Commands = request.state.commands
    key = key_of(request)
    body = await read_model(request, BatchRequest, LARGEST_BODY)
    items = read_items(body.scores, key)
    valid = [(item.command, item.key) for item in items if isinstance(item.command, SubmitScore)]
    submitting = commands.submitting
    taken = await submit_all(submitting, valid, wait=waits(request), traceparent=traceparent(request))
    places = [submitting.position(each.partition, each.offset) for each in taken if isinstance(each, Accepted)]
    position = str(reduce(Position.merge, places)) if places else None
    answer = BatchAnswer(outcomes=outcomes_of(items, taken, submitting.position), position=position)
    headers = {"Idempotency-Key": key} | ({"X-Position": position} if position is not None else {})
    return json_answer(200, answer.model_dump_json(), headers)
