from bqvertex.specs.model import problems

TOKEN = "hf_not_to_be_shown"
INPUTS = {
    "project": "acme-prod",
    "location": "us-central1",
    "dataset_id": "flights",
    "model_id": "open",
    "statement": "CREATE MODEL open REMOTE WITH CONNECTION `acme-prod.us-central1.c` OPTIONS ("
    f"hugging_face_model_id = 'google/gemma-3-1b-it', hugging_face_token = '{TOKEN}', nope = 1)",
}


def test_a_secret_is_refused_where_no_value_is_printed():
    [(name, reason)] = problems({}, INPUTS)

    assert name not in INPUTS
    assert "HUGGING_FACE_TOKEN is a secret" in reason
    assert TOKEN not in reason
